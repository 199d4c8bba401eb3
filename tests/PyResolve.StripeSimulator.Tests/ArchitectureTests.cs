namespace PyResolve.StripeSimulator.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_folders_of_the_simulator_depend_one_way() =>
        FolderGraph.Read(typeof(StripeSimulatorHost).Assembly, "src/PyResolve.StripeSimulator").DescribeCycles().ShouldBeEmpty();
}
