using PyResolve.TestKit;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
