-- Who said so last, and when. No parameters.
SELECT owner, at FROM beat;
