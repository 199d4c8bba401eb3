namespace PyResolve.Server.Admin;

/// <summary>The switches that belong to a command; all others are configuration.</summary>
internal sealed class CommandOptions
{
    private readonly Dictionary<string, string?> _given = new(StringComparer.Ordinal);

    private CommandOptions()
    {
    }

    public static CommandOptions None { get; } = new();

    /// <summary>The value that was given, or <see langword="null"/>.</summary>
    public string? this[string name] => _given.GetValueOrDefault(name);

    public bool Has(string name) => _given.ContainsKey(name);

    /// <summary>Takes a command's own switches out of the command line.</summary>
    /// <param name="arguments">What follows the command's words.</param>
    /// <param name="withValue">Switches that take a value: <c>--name value</c> or <c>--name=value</c>.</param>
    /// <param name="alone">Switches that take none.</param>
    /// <returns>The switches, and those that are left for the configuration.</returns>
    /// <exception cref="FormatException">A switch without its value, or with one that it does not take.</exception>
    public static (CommandOptions Options, string[] Settings) Take(string[] arguments, string[] withValue, string[] alone)
    {
        var options = new CommandOptions();
        var settings = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            var parts = arguments[i].Split('=', 2);
            if (alone.Contains(parts[0], StringComparer.Ordinal))
            {
                options._given[parts[0]] = parts.Length == 1 ? null : throw new FormatException($"{parts[0]} takes no value.");
            }
            else if (withValue.Contains(parts[0], StringComparer.Ordinal))
            {
                var value = parts.Length > 1 ? parts[1] : arguments.ElementAtOrDefault(++i);
                options._given[parts[0]] = string.IsNullOrEmpty(value) || value.StartsWith("--", StringComparison.Ordinal)
                    ? throw new FormatException($"{parts[0]} takes a value: {parts[0]}=value.")
                    : value;
            }
            else
            {
                settings.Add(arguments[i]);
            }
        }

        return (options, [.. settings]);
    }
}
