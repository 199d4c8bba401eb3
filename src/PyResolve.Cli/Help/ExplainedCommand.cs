using System.CommandLine;

namespace PyResolve.Cli.Help;

/// <summary>A command with examples, for its help and for the reference. The first sentence of the description stands in lists.</summary>
internal sealed class ExplainedCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples => examples;
}
