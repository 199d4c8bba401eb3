[assembly: AssemblyFixture(typeof(SharedServers))]
[assembly: AssemblyFixture(typeof(PostgresFixture))]
