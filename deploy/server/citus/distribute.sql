-- Made by distribute.py. Run it once, on the coordinator, in a database in which
-- `encounter-server migrate` has made the schema, and before the first data:
--
--   psql -d encounter -v ON_ERROR_STOP=1 -f distribute.sql
CREATE EXTENSION IF NOT EXISTS citus;
BEGIN;
SELECT create_reference_table('account');
SELECT create_reference_table('account_reach');
SELECT create_reference_table('api_token');
SELECT create_reference_table('device_owner');
SELECT create_reference_table('one_time_link');
SELECT create_reference_table('organisation');
SELECT create_reference_table('schema_contractions');
SELECT create_reference_table('session');
SELECT create_distributed_table('access_log', 'org_id', colocate_with => 'none');
SELECT create_distributed_table('amendment', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('aside', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('assignment', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('audit_report', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('cell', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('confirmation', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('device', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('device_status', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('device_terms', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('ledger_day', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('ledger_head', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('message', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('point', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('progress', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('raw_message', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('region', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('rollup', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('rollup_due', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('standing', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('store', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('store_week', 'org_id', colocate_with => 'access_log');
SELECT create_distributed_table('window', 'org_id', colocate_with => 'access_log');
COMMIT;
