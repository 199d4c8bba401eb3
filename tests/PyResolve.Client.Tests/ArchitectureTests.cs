using PyResolve.TestKit;

namespace PyResolve.Client.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_folders_of_the_client_depend_one_way() =>
        FolderGraph.Read(typeof(PyResolveClient).Assembly, "src/PyResolve.Client").DescribeCycles().ShouldBeEmpty();
}
