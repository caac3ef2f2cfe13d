-- To whom a message goes. ?1 number.
SELECT webhook, url FROM delivery WHERE number = ?1;
