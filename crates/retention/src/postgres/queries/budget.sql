SET LOCAL statement_timeout = '300ms'
