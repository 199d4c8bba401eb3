namespace PyResolve.Server.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_folders_of_the_server_depend_one_way() =>
        FolderGraph.Read(typeof(ServerApp).Assembly, "src/PyResolve.Server").DescribeCycles().ShouldBeEmpty();
}
