using System.Text;

namespace PyResolve.Client;

/// <summary>A config file's text and what it says. Immutable: an edit gives a new one, which differs in the lines of the edited key alone.</summary>
internal sealed class ConfigFile
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly TomlDocument _document;

    private ConfigFile(string path, string text)
    {
        Path = path;
        Text = text;
        _document = new TomlReader(path, text).Read();
    }

    public string Path { get; }

    public string Text { get; }

    /// <summary>The file; an empty one where there is none.</summary>
    public static ConfigFile Load(string path)
    {
        try
        {
            return Parse(path, StrictUtf8.GetString(File.ReadAllBytes(path)));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Parse(path, "");
        }
        catch (DecoderFallbackException exception)
        {
            throw new ConfigFileException(path, line: null, "it is not UTF-8 text.", "Save it as UTF-8, or remove it and run 'pyresolve login'.", exception);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new ConfigFileException(path, line: null, "it cannot be read.", "Make it a file that you own and can read.", exception);
        }
    }

    public static ConfigFile Parse(string path, string text) => new(path, text);

    /// <summary>A string at the top level; <see langword="null"/> where the key is not set.</summary>
    public string? String(string key) => Find(key) is { } entry ? StringOf(entry) : null;

    /// <summary>The strings of a table, as <c>[migrators]</c>; empty where there is no such table.</summary>
    public IReadOnlyDictionary<string, string> Strings(string table)
    {
        var strings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in _document.Entries)
        {
            if (entry.Path.Count == 2 && entry.Path[0] == table)
                strings.Add(entry.Path[1], StringOf(entry));
        }

        return strings;
    }

    /// <summary>The file with a string at the top level set.</summary>
    public ConfigFile Set(string key, string value)
    {
        var quoted = TomlText.Quote(value);
        if (Find(key) is { } entry)
            return Parse(Path, Text.Remove(entry.ValueStart, entry.ValueEnd - entry.ValueStart).Insert(entry.ValueStart, quoted));
        var newLine = Text.Contains("\r\n") ? "\r\n" : "\n";
        var line = $"{TomlText.Key(key)} = {quoted}{newLine}";
        var isMidLine = _document.RootEnd > 0 && Text[_document.RootEnd - 1] is not ('\n' or '\uFEFF');
        return Parse(Path, Text.Insert(_document.RootEnd, isMidLine ? newLine + line : line));
    }

    /// <summary>The file without the key's line.</summary>
    public ConfigFile Remove(string key) => Find(key) is { } entry
        ? Parse(Path, Text.Remove(entry.LineStart, entry.LineEnd - entry.LineStart))
        : this;

    private TomlEntry? Find(string key) => _document.Entries.FirstOrDefault(entry => entry.Path.Count == 1 && entry.Path[0] == key);

    private string StringOf(TomlEntry entry) => entry.Text
        ?? throw new ConfigFileException(
            Path, entry.Line, $"{string.Join(".", entry.Path)} must be a string.", $"Write it in quotes: {TomlText.Key(entry.Path[entry.Path.Count - 1])} = \"…\".");
}
