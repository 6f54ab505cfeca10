-- Every kind of PostgreSQL value that a module can hold, at its edges, made for these tests. Table and column say what is in
-- them; each table has a row of nulls. What is refused by name stands in tables of its own.
create schema plain;
create schema refused;

create type plain.mood as enum ('sad', 'ok', 'glad', 'it''s "quoted"');
create domain plain.percentage as int check (value between 0 and 100);
create type plain.address as (street text, number int, since date);
create type plain.person as (name text, home plain.address, tags text[]);

create table plain.numbers (b boolean, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric(38, 10), m numeric(5, 0));
insert into plain.numbers values
    (true, -32768, -2147483648, -9223372036854775808, 0, '-Infinity', 'NaN', -9999999999999999999999999999.9999999999, -99999),
    (false, 32767, 2147483647, 9223372036854775807, 4294967295, 3.4028235e38, 1.7976931348623157e308, 9999999999999999999999999999.9999999999, 99999),
    (true, 0, 0, 9007199254740993, 1, 1e-45, 5e-324, 0.0000000001, 0),
    (null, -1, -1, -1, null, '-0', '-0', -0.1, -0),
    (false, 1, 1, 1, 7, 0.1, 0.1, 0.1, 1),
    (null, null, null, null, null, null, null, null, null);

create table plain.texts (t text, v varchar(20), c char(5), n name, j json, jb jsonb, u uuid, b bytea);
insert into plain.texts values
    ('', '', '', '', '""', '""', '00000000-0000-0000-0000-000000000000', ''),
    (E'tab\there, line\nbreak, back\\slash, "quotes", ''single''', 'ü', 'ab', 'name', '{"a": [1, 2, {"b": null}]}', '{"a": [1, 2, {"b": null}]}',
     'ffffffff-ffff-ffff-ffff-ffffffffffff', '\x00ff0a0d5c'),
    (E'\\N', '\N', E'\\N', '\N', 'null', 'null', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x5c4e'),
    ('e' || U&'\0301' || ' é 漢字 ' || U&'\+01F600' || ' العربية', 'ﬀ', 'ß', 'ç', '"\u00e9"', '"\u00e9"', null, null),
    (repeat('long text, ', 20000), 'x', 'x', repeat('n', 63), '[]', '[]', null, decode(repeat('ab', 100000), 'hex')),
    (null, null, null, null, null, null, null, null);

create table plain.times (d date, t timestamp, tz timestamptz, c time, i interval);
insert into plain.times values
    ('0001-01-01', '0001-01-01 00:00:00', '0001-01-02 00:00:00+00', '00:00:00', '0'),
    ('9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-30 23:59:59.999999+00', '23:59:59.999999', '1 year 2 mons -3 days 04:05:06.789'),
    ('2024-02-29', '2000-01-01 00:00:00', '2000-01-01 00:00:00+00', '12:00:00.1', '-178000000 years'),
    ('1900-02-28', '1969-12-31 23:59:59.999999', '2024-03-31 02:30:00+02', '00:00:00.000001', '00:00:00.000001'),
    ('1582-10-15', '1883-11-18 12:03:58', '1883-11-18 12:03:58-05', '06:30', '-1 day'),
    (null, null, null, null, null);

create table plain.others (e plain.mood, p plain.percentage, n inet, c cidr, m macaddr, r int4range, dr daterange, mr int4multirange, b bit(4), vb varbit, x xml);
insert into plain.others values
    ('sad', 0, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '[1,5)', '[2024-01-01,)', '{[1,2),[5,9)}', '1010', '1', '<a>b</a>'),
    ('it''s "quoted"', 100, '2001:db8::1/64', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', 'empty', '(,)', '{}', '0000', '', '<a/>'),
    ('glad', 50, '0.0.0.0/0', '0.0.0.0/0', '00:00:00:00:00:00', '(,)', 'empty', '{(,)}', '1111', '10101010101', 'text'),
    (null, null, null, null, null, null, null, null, null, null, null);

create table plain.lists (i int[], t text[], d date[], n numeric(10, 2)[], b bool[], y bytea[], e plain.mood[], people plain.person[]);
insert into plain.lists values
    ('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
    ('{1,NULL,-2147483648}', '{"",NULL,"NULL","a,b","c\"d","{}"}', '{2024-02-29,NULL}', '{0.01,-99999999.99}', '{t,f,NULL}',
     array['\x00'::bytea, null, '\x'], '{sad,NULL,glad}', array[row('A', row('B "C"', 1, date '2024-01-01')::plain.address, '{x,NULL}')::plain.person, null]),
    (array(select generate_series(1, 5000)), array(select 'item ' || i from generate_series(1, 2000) i), null, null, null, null, null, null),
    (null, null, null, null, null, null, null, null);

create table plain.structures (a plain.address, p plain.person);
insert into plain.structures values
    (row('', 0, null), row(null, null, null)),
    (row('Main (Street), "2"', -1, '1999-12-31'), row('N', row(null, 7, null)::plain.address, '{}')),
    (null, null);

create table plain.without_rows (id int, t text);
create table plain."Odd Names" ("select" int, "with ""quotes""" text, "ünïcode" text, "trailing " text);
insert into plain."Odd Names" values (1, 'a', 'b', 'c'), (null, null, null, null);
create table plain.parts (id int not null, t text) partition by range (id);
create table plain.parts_low partition of plain.parts for values from (0) to (1000);
create table plain.parts_high partition of plain.parts for values from (1000) to (100000);
insert into plain.parts select i, 'row ' || i from generate_series(0, 19999) i;

create table refused.no_scale (id int, n numeric);
insert into refused.no_scale values (1, 1.5), (2, null);
create table refused.infinite (id int, d date, t timestamp);
insert into refused.infinite values (1, 'infinity', '-infinity'), (2, '4713-01-01 BC', '4713-01-01 BC'), (3, null, null);
create table refused.shapes (id int, p point, b box, m money);
insert into refused.shapes values (1, '(1,2)', '((0,0),(1,1))', '12.34'), (2, null, null, null);
create table refused.grids (id int, g int[][]);
insert into refused.grids values (1, '{{1,2},{3,4}}'), (2, '{}'), (3, null);
create table refused.alike (id int, "Name" text, name text);
insert into refused.alike values (1, 'a', 'b');
