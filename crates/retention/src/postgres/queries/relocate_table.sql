ALTER TABLE {piece} SET TABLESPACE {tablespace}
