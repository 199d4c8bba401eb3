using PyResolve.MSBuild.Tests.Infrastructure;

[assembly: AssemblyFixture(typeof(SharedServers))]
[assembly: AssemblyFixture(typeof(PackedGate))]
// Each test builds, which takes every core.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
