namespace PyResolve.Testing.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_folders_of_the_package_depend_one_way() =>
        FolderGraph.Read(typeof(FakePyResolveServer).Assembly, "src/PyResolve.Testing").DescribeCycles().ShouldBeEmpty();
}
