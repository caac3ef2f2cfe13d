-- Text as in PgQ's urlencoded events: space is +, letters, digits, _ . and - stay, every other byte is % and two
-- lower-case hexadecimal digits. Replaces each different character once, so the cost grows with their number and not
-- with the length alone.
create or replace function pgq.ostler_urlencode(i_text text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
    v_text text := i_text;
    v_found text;
begin
    if i_text operator(pg_catalog.!~) '[^A-Za-z0-9_.-]' then
        return i_text;
    end if;
    v_text := pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
        v_text, '%', '%25'), '+', '%2b'), ' ', '+'), ':', '%3a');
    if v_text operator(pg_catalog.!~) '[^A-Za-z0-9_.%+-]' then
        return v_text;
    end if;
    v_text := pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
        v_text, ',', '%2c'), '"', '%22'), '/', '%2f'), '''', '%27');
    loop
        v_found := pg_catalog.substring(v_text, '[\u0001-\u0024\u0026-\u002a\u002c\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]');
        exit when v_found is null;
        v_text := pg_catalog.replace(v_text, v_found, pg_catalog.concat('%',
            pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.ascii(v_found)), 2, '0')));
    end loop;
    if v_text operator(pg_catalog.!~) '[^A-Za-z0-9_.%+-]' then
        return v_text;
    end if;
    -- What is left is not ASCII: its bytes, as \ooo, in the encoding of the database. The text has no backslash any more.
    v_text := pg_catalog.encode(v_text::pg_catalog.bytea, 'escape');
    loop
        v_found := pg_catalog.substring(v_text, '\\[0-7]{3}');
        exit when v_found is null;
        v_text := pg_catalog.replace(v_text, v_found, pg_catalog.concat('%', pg_catalog.encode(v_found::pg_catalog.bytea, 'hex')));
    end loop;
    return v_text;
end;
$$;
