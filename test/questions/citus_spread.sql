-- How the tables of setup.sql and citus_setup.sql are distributed: by the unit, those of a population alike.

SELECT create_distributed_table('people', 'patient', colocate_with => 'none');
SELECT create_distributed_table('visits', 'patient', colocate_with => 'people');
SELECT create_reference_table('clinics');
SELECT create_distributed_table('shop."Customers"', 'Customer ID', colocate_with => 'none');
SELECT create_distributed_table('shop."Orders"', 'Customer ID', colocate_with => 'shop."Customers"');
SELECT create_reference_table('shop."Calendar"');
SELECT create_distributed_table('items', 'patient', colocate_with => 'people');
SELECT create_distributed_table('tests', 'patient', colocate_with => 'people');
SELECT create_distributed_table('stays', 'patient', colocate_with => 'none');
SELECT create_distributed_table('odd.t_uuid', 'u');
SELECT create_distributed_table('odd.t_varchar', 'u');
SELECT create_distributed_table('odd.parts', 'patient', colocate_with => 'public.people');
SELECT create_distributed_table('odd.indexed', 'patient', colocate_with => 'public.people');
SELECT create_distributed_table('odd.pubd', 'patient', colocate_with => 'public.people');
SELECT create_reference_table('odd.refp');
