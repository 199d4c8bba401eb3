namespace PyResolve.TestKit;

/// <summary>There is no PostgreSQL to test against. The message says how to get one.</summary>
public sealed class PostgresMissingException(string reason) : Exception(
    $"""
    {reason}
    These tests need a real PostgreSQL with its contrib modules. Either
      - install one: apt-get install postgresql-15 (Debian 12; `apt-get install postgresql` elsewhere), or brew install postgresql@15, or
      - name a server in {PostgresServer.Variable}, as a user that may create databases and extensions:
        export {PostgresServer.Variable}=postgres://postgres:secret@localhost:5432/postgres
    """);
