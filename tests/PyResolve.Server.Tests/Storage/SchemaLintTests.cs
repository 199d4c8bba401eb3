using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Every schema file can be applied on Citus, also to tables that are distributed already.</summary>
public sealed class SchemaLintTests
{
    /// <summary>Servers distribute tables since this version of the schema: earlier files find none.</summary>
    private const int FirstDistributed = 28;

    private const string Good = """
        create table ledger (
            user_id uuid not null, -- references profiles (id), unique
            id      uuid not null,
            units   bigint not null check (units > 0),
            primary key (user_id, id)
        );
        create unique index ledger_units on ledger (user_id, units);
        create index ledger_id on ledger (id);
        create table other (id uuid primary key, name text unique, user_id uuid references profiles (id));
        create trigger other_changed after update on other for each row execute function changed();
        """;

    [Fact]
    public void Our_schema_files_can_be_applied_on_Citus()
    {
        var files = SchemaFile.LoadAll("postgres").Select(static file => (file.Name, file.Script));

        new SchemaLint(LedgerTables.Names.ToHashSet(), LedgerTables.Account, FirstDistributed).Check(files).ShouldBeEmpty();
    }

    /// <summary>What the rules are about is there.</summary>
    [Fact]
    public void Our_schema_files_make_every_distributed_table() =>
        LedgerTables.Names.Except(SchemaFile.TablesOf(SchemaFile.LoadAll("postgres"))).ShouldBeEmpty();

    [Fact]
    public void A_file_that_keeps_the_rules_has_no_offence() => Check(("0028_good.sql", Good)).ShouldBeEmpty();

    [Theory]
    [InlineData("create table ledger (user_id uuid, id uuid, primary key (id, user_id))", "its primary key does not begin with user_id")]
    [InlineData("create table ledger (user_id uuid, id uuid primary key)", "its primary key does not begin with user_id")]
    [InlineData("create table ledger (user_id uuid, id uuid, primary key (user_id, id), unique (id))", "'unique (id)' does not begin with")]
    [InlineData("create table ledger (user_id uuid, id uuid unique, primary key (user_id, id))", "'id uuid unique' does not begin with")]
    [InlineData("create table ledger (user_id uuid references profiles (id), id uuid, primary key (user_id, id))", "a foreign key in")]
    [InlineData("create unique index ledger_id on ledger (id, user_id)", "the unique index ledger_id does not begin with user_id")]
    [InlineData("create unique index if not exists ledger_id on ledger using btree (id)", "the unique index ledger_id does not begin")]
    [InlineData("alter table ledger add constraint ledger_user foreign key (user_id) references profiles (id)", "a foreign key in")]
    [InlineData("alter table ledger add constraint ledger_id unique (id, user_id)", "does not begin with user_id")]
    [InlineData("create trigger ledger_changed after insert or update on ledger for each row execute function x()", "the trigger")]
    [InlineData("create function log_change(changed uuid) returns void language sql as $$ select 1 $$", "is in sql, not in plpgsql")]
    public void A_file_that_Citus_refuses_is_found(string statement, string offence) =>
        Check(("0001_bad.sql", statement + ";")).ShouldContain(line => line.StartsWith("0001_bad.sql: ") && line.Contains(offence));

    [Theory]
    [InlineData("alter table ledger add column state text check (state in ('a', 'b'))")]
    [InlineData("alter table ledger add column a text, add column b bigint not null default 0 check (b >= 0)")]
    [InlineData("alter table ledger add number bigint unique")]
    [InlineData("alter table ledger add column owner uuid references profiles (id)")]
    public void A_column_that_is_added_with_its_constraint_is_found_where_tables_may_be_distributed(string statement) =>
        Check(("0028_bad.sql", statement + ";")).ShouldContain(line => line.Contains("add the column first"));

    [Theory]
    [InlineData("0005_old.sql", "alter table ledger add column state text check (state in ('a', 'b'))")]
    [InlineData("0028_new.sql", "alter table other add column state text check (state in ('a', 'b'))")]
    [InlineData("0028_new.sql", "alter table ledger add column state text not null default 'a'")]
    [InlineData("0028_new.sql", "alter table ledger add constraint ledger_state check (state in ('a', 'b'))")]
    [InlineData("0028_new.sql", "alter table ledger add constraint ledger_once unique (user_id, state)")]
    [InlineData("0028_new.sql", "create function f() returns trigger language plpgsql as $$ begin return null; end $$")]
    public void What_Citus_takes_is_no_offence(string file, string statement) => Check((file, statement + ";")).ShouldBeEmpty();

    [Fact]
    public void A_function_that_a_later_file_drops_or_writes_anew_is_no_offence()
    {
        const string Old = "create function a(x uuid) returns void language sql as $$ select 1 $$;"
            + "create function b() returns void language sql as $$ select 1 $$;";
        const string New = "drop function a(uuid); create or replace function b() returns void language plpgsql as $$ begin end $$;";

        Check(("0001_old.sql", Old)).Count.ShouldBe(2);
        Check(("0001_old.sql", Old), ("0002_new.sql", New)).ShouldBeEmpty();
    }

    private static IReadOnlyList<string> Check(params (string Name, string Text)[] files) =>
        new SchemaLint(["ledger"], "user_id", FirstDistributed).Check(files);
}
