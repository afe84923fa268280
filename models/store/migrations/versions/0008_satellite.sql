-- The mean of a field hides whether it is even or half bare: keep the spread of its pixels, too.
-- NULL under 30 % valid pixels, and for what was judged before.
ALTER TABLE zonal
    ADD COLUMN median float8,
    ADD COLUMN p10 float8,
    ADD COLUMN p90 float8,
    ADD COLUMN sd float8;
COMMENT ON COLUMN zonal.sd IS 'standard deviation of the pixels, weighted by coverage [unit of the product]';
