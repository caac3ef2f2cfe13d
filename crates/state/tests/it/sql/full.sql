-- A disk that is full for the first three rows: sequences count what is rolled back, too.
CREATE SEQUENCE ostler_numbers.tries;
CREATE FUNCTION ostler_numbers.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('ostler_numbers.tries') <= 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON ostler_numbers.number FOR EACH ROW EXECUTE FUNCTION ostler_numbers.refuse();
