using System.Text.RegularExpressions;

namespace PyResolve.Server.Hosting;

/// <summary>
/// Settings under their names in the environment, <c>NAME=value</c> a line. What is accepted here means the same to systemd
/// (<c>EnvironmentFile=</c>), to compose (<c>env_file:</c>) and to a shell.
/// </summary>
internal static partial class EnvironmentFile
{
    public const string Setting = "PYRESOLVE_ENV_FILE";

    /// <summary>Each program has rules of its own for these in double quotes.</summary>
    private const string Special = "\\\"$`";

    /// <summary>Puts them into the environment of this process. What is there already stays.</summary>
    /// <exception cref="InvalidConfigurationException">It cannot be read, or a line is wrong. No message has a value.</exception>
    public static void Load(string file)
    {
        foreach (var (name, value) in Read(file))
        {
            if (Environment.GetEnvironmentVariable(name) is null)
                Environment.SetEnvironmentVariable(name, value);
        }

        Environment.SetEnvironmentVariable(Setting, Path.GetFullPath(file));
    }

    /// <inheritdoc cref="Load" path="/exception"/>
    public static IReadOnlyDictionary<string, string> Read(string file)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (index, line) in ReadLines(file).Index())
        {
            var text = line.Trim();
            if (text.Length == 0 || text[0] is '#' or ';')
                continue;
            var parts = text.Split('=', 2);
            if (parts.Length != 2 || !Name().IsMatch(parts[0]) || Unquote(parts[1].Trim()) is not { } value)
            {
                throw new InvalidConfigurationException(
                    $"{file}, line {index + 1}: this is not NAME=value. Write a value with anything but letters, digits and "
                    + "./:@%+=,?#_- in single quotes.");
            }

            values[parts[0]] = value;
        }

        return values;
    }

    /// <exception cref="InvalidConfigurationException">No line can have this value.</exception>
    public static string LineOf(string name, string value) => (Plain().IsMatch(value), value.Any(IsUnquotable)) switch
    {
        (true, _) => $"{name}={value}\n",
        (_, false) => $"{name}='{value}'\n",
        _ => throw new InvalidConfigurationException(
            $"{name} has a quote or a control character in it, which not every program reads alike in a file. In a URL write %27 for '."),
    };

    private static string[] ReadLines(string file)
    {
        if (Directory.Exists(file))
        {
            throw new InvalidConfigurationException(
                $"{file} is a folder. Name a file in it, such as {Path.Combine(file, "pyresolve.env")}.");
        }

        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidConfigurationException($"There is no file {file}. The command init makes one.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new InvalidConfigurationException(
                $"{Environment.UserName} may not read {file}. Run the command as its owner. For a service, systemd-run with "
                + $"--property=EnvironmentFile={ShellWord.Quote(Path.GetFullPath(file))} reads it for the service's user: "
                + "docs/install.md.");
        }
        catch (IOException exception)
        {
            throw new InvalidConfigurationException($"{file} cannot be read: {FileFault.Explain(exception)}.");
        }
    }

    /// <returns>null: other programs would read it otherwise.</returns>
    private static string? Unquote(string text) => text switch
    {
        ['\'', .. var inner, '\''] => inner.Contains('\'', StringComparison.Ordinal) ? null : inner,
        ['"', .. var inner, '"'] => inner.AsSpan().ContainsAny(Special) ? null : inner,
        _ => Unquoted().IsMatch(text) ? text : null,
    };

    private static bool IsUnquotable(char character) => character is '\'' || char.IsControl(character);

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*\\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();

    [GeneratedRegex("^(?!#)[A-Za-z0-9_./:@%+=,?#-]*\\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Unquoted();

    [GeneratedRegex("^[A-Za-z0-9_./:@%+=,-]*\\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Plain();
}
