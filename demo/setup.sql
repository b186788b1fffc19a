-- Whose data it is, and how much of one person may show.
SELECT dp_agg.protect('education', unit => 'person_id', population => 'residents',
                      max_groups => 1, max_rows => 1,
                      columns => '{person_id,field,degree,graduated}');
-- What dp_agg.suggest('tax', 1, unit => 'person_id', population => 'residents') found.
SELECT dp_agg.protect('tax', unit => 'person_id', population => 'residents',
                      max_groups => 15, max_rows => 40, max_total => 200,
                      columns => '{person_id,year,employer,income}');
SELECT dp_agg.set_bounds('tax', 'income', 0, 250000);
SELECT dp_agg.set_total('tax', 'income', 0, 8000000);

-- What the analyst may spend.
SELECT dp_agg.set_budget('analyst', 'residents', epsilon => 8, delta => 1e-6);
