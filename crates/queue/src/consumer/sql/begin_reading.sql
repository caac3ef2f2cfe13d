begin;
select set_config('client_encoding', 'SQL_ASCII', true) where current_setting('server_encoding') = 'SQL_ASCII';
-- Such a database knows no characters: it would refuse a whole batch for bytes that are not UTF-8.
