using PyResolve.MSBuild.Tests.Infrastructure;

[assembly: AssemblyFixture(typeof(GateServer))]
[assembly: AssemblyFixture(typeof(PackedGate))]
// Each test builds, which takes every core.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
