using System.Reflection;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_folders_of_the_command_line_depend_one_way() =>
        FolderGraph.Read(Assembly.LoadFrom(CliDriver.Assembly), "src/PyResolve.Cli").DescribeCycles().ShouldBeEmpty();

    [Fact]
    public void The_folders_of_the_migrators_depend_one_way()
    {
        var path = Path.Combine(Path.GetDirectoryName(CliDriver.Assembly)!, "PyResolve.Migrators.dll");

        FolderGraph.Read(Assembly.LoadFrom(path), "src/PyResolve.Migrators", static folder => folder).DescribeCycles().ShouldBeEmpty();
    }
}
