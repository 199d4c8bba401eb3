using System.Text.Json;
using PyResolve.Cli.Base;

namespace PyResolve.Cli.Mcp;

/// <summary>The arguments of a tool. One of another type, or that the tool does not have, is refused with what it should be.</summary>
internal sealed class McpArguments(JsonElement? arguments)
{
    /// <exception cref="CliException">One has another name.</exception>
    public void CheckNames(params string[] known)
    {
        if (arguments is not { } given)
            return;
        if (given.ValueKind != JsonValueKind.Object)
            throw CliException.Usage("The arguments are not an object.", "Give one, such as {}.");
        foreach (var name in given.EnumerateObject().Select(static member => member.Name))
        {
            if (!known.Contains(name))
                throw CliException.Usage($"There is no argument {name}.", $"There are: {string.Join(", ", known)}");
        }
    }

    public string GetText(string name) => FindText(name) ?? throw CliException.Usage($"The argument {name} is missing.");

    public string? FindText(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw Wrong(name, "a string"),
    };

    public bool IsTrue(string name) => Find(name) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        _ => throw Wrong(name, "true or false"),
    };

    /// <summary>0 where it is not given.</summary>
    public long GetCount(string name) => Find(name) switch
    {
        null => 0,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var count) && count >= 0 => count,
        _ => throw Wrong(name, $"a whole number between 0 and {int.MaxValue}"),
    };

    public string[] GetTexts(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(static one => one.ValueKind == JsonValueKind.String) =>
            [.. list.EnumerateArray().Select(static one => one.GetString()!)],
        _ => throw Wrong(name, "an array of strings"),
    };

    public JsonElement? FindObject(string name) => Find(name) switch
    {
        null or { ValueKind: JsonValueKind.Object } => Find(name),
        _ => throw Wrong(name, "an object"),
    };

    private JsonElement? Find(string name) => arguments?.Find(name);

    private static CliException Wrong(string name, string expected) => CliException.Usage($"The argument {name} has to be {expected}.");
}
