namespace PyResolve.Client;

/// <summary>The config file is malformed, or cannot be read or written. The message names the file, the line and the mend.</summary>
public sealed class ConfigFileException : PyResolveException
{
    internal ConfigFileException(string path, int? line, string cause, string mend, Exception? innerException = null)
        : base(PyResolveErrorCodes.ConfigFile, Describe(path, line, cause, mend), innerException)
    {
        Path = path;
        Line = line;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The line, from 1; <see langword="null"/> when it is the file as a whole.</summary>
    public int? Line { get; }

    private static string Describe(string path, int? line, string cause, string mend) =>
        line is { } number ? $"{path}, line {number}: {cause} {mend}" : $"{path}: {cause} {mend}";
}
