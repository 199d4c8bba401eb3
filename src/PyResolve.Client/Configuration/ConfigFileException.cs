namespace PyResolve.Client;

/// <summary>The config file is malformed, or cannot be read or written. The message names the file and the line.</summary>
public sealed class ConfigFileException : PyResolveException
{
    internal ConfigFileException(string path, int? line, string cause, string hint, Exception? innerException = null)
        : base(PyResolveErrorCodes.ConfigFile, line is null ? $"{path}: {cause}" : $"{path}, line {line}: {cause}", hint, innerException)
    {
        Path = path;
        Line = line;
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The line, from 1; <see langword="null"/> when the problem is not in one line.</summary>
    public int? Line { get; }
}
