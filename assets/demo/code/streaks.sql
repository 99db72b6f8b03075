-- Unbroken runs of days, longest first ("gaps and islands").
--
-- The trick: number the days of each person in order. Within an unbroken run both the date and the number
-- grow by one, so their difference stays the same; after a gap the date jumps ahead and the difference
-- changes. That difference is therefore a name for the run, and GROUP BY does the rest.
--
-- Used for: practice days at the piano, days without a headache, sensors that went silent.
-- PostgreSQL; in SQLite write julianday(day) - n instead of day - n::int.

CREATE TABLE practice (
    person  text NOT NULL,
    day     date NOT NULL,
    minutes int  NOT NULL CHECK (minutes > 0)
);

WITH days AS (
    -- Two sessions on the same day count once, otherwise the numbering runs ahead of the calendar.
    SELECT DISTINCT person, day FROM practice
),
numbered AS (
    SELECT person, day, row_number() OVER (PARTITION BY person ORDER BY day) AS n FROM days
)
SELECT person,
       min(day)  AS began,
       max(day)  AS ended,
       count(*)  AS length
FROM numbered
GROUP BY person, day - n::int
ORDER BY length DESC, began DESC;

-- Still running today? Allow yesterday, since the evening may not have come yet.
-- HAVING max(day) >= current_date - 1

-- The opposite question, holes longer than a week:
SELECT person, day AS last_before, next_day, next_day - day - 1 AS missed
FROM (
    SELECT person, day, lead(day) OVER (PARTITION BY person ORDER BY day) AS next_day
    FROM (SELECT DISTINCT person, day FROM practice) AS once
) AS pairs
WHERE next_day - day > 8;
