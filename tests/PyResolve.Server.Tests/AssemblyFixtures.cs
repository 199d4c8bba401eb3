[assembly: AssemblyFixture(typeof(SharedServers))]
