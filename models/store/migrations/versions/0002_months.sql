-- Months are few days, added up when asked for: ten years of a datastream are 3,650 rows.
CREATE VIEW reading_monthly AS
SELECT date_trunc('month', bucket AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai' AS bucket,
       datastream_id,
       sum(n)::bigint AS n,
       sum(n_good)::bigint AS n_good,
       sum(s) AS s,
       min(mn) AS mn,
       max(mx) AS mx,
       (array_agg(last ORDER BY bucket DESC) FILTER (WHERE last IS NOT NULL))[1] AS last
FROM reading_daily GROUP BY 1, 2;
