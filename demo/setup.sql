-- Whose data it is, and how much of one person may show.
SELECT dp_agg.protect('education', unit => 'person_id', population => 'residents',
                      max_groups => 1, max_rows => 1,
                      columns => '{person_id,field,degree,graduated}');
SELECT dp_agg.protect('tax', unit => 'person_id', population => 'residents',
                      max_groups => 12, max_rows => 24,
                      columns => '{person_id,year,employer,income}');

-- What is known of the values without looking at them.
SELECT dp_agg.set_bounds('tax', 'income', 0, 250000);

-- What the analyst may spend.
SELECT dp_agg.set_budget('analyst', 'residents', epsilon => 8, delta => 1e-6);
