"""The local page: dots on a plain ground and moments as they happen, for the installer.

    appliance ── LivePage.show(Snapshot) ──► Feed (a thread of its own) ──► viewers on 127.0.0.1

`edge.page.live.LivePage` is the whole interface, with `edge.page.snapshot.Snapshot`. What is
shown lives in memory alone and is replaced by what comes next; no picture exists here.
"""
