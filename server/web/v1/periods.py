"""The two query parameters of a period."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

From = Annotated[AwareDatetime, Query(alias="from", description="RFC 3339, included")]
To = Annotated[AwareDatetime, Query(alias="to", description="RFC 3339, excluded")]
