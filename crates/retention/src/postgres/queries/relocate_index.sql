ALTER INDEX {piece} SET TABLESPACE {tablespace}
