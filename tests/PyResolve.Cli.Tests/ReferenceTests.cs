using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>The reference is written from the commands themselves, so that it never says something else.</summary>
public sealed class ReferenceTests
{
    [Fact]
    public void The_Markdown_reference_is_the_one_that_the_commands_give()
    {
        using var tree = new CommandTreeReader();

        Reference.WriteMarkdown(tree.Root).ShouldBeApprovedAs("docs/cli.md");
    }

    [Fact]
    public void The_man_page_is_the_one_that_the_commands_give()
    {
        using var tree = new CommandTreeReader();

        Reference.WriteManPage(tree.Root).ShouldBeApprovedAs("docs/pyresolve.1");
    }
}
