SET LOCAL search_path TO pg_catalog, pg_temp
