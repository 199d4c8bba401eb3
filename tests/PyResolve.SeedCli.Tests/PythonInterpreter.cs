using System.ComponentModel;

namespace PyResolve.SeedCli.Tests;

/// <summary>Finds a Python that has the packages of the seed's command line.</summary>
internal static class PythonInterpreter
{
    private const string Probe = "import sys; assert sys.version_info >= (3, 10); import click, httpx, toml";

    // The system's Python first: version managers put others before it in PATH, which have other packages.
    private static readonly string[] Candidates = ["/usr/bin/python3", "python3", "python"];

    private static readonly Lazy<Task<string>> Found = new(() => FindAsync(Candidates));

    /// <exception cref="PythonMissingException">None is usable.</exception>
    public static Task<string> FindAsync() => Found.Value;

    /// <exception cref="PythonMissingException">None of the candidates is usable.</exception>
    public static async Task<string> FindAsync(IReadOnlyCollection<string> candidates)
    {
        foreach (var candidate in candidates)
        {
            if (await HasPackagesAsync(candidate))
                return candidate;
        }

        throw new PythonMissingException(candidates);
    }

    private static async Task<bool> HasPackagesAsync(string candidate)
    {
        try
        {
            return (await Command.RunAsync(candidate, ["-c", Probe])).ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>No Python can run the seed's command line. The message says what to install.</summary>
public sealed class PythonMissingException(IEnumerable<string> tried) : Exception(
    $"""
    None of {string.Join(", ", tried)} is a Python 3.10 or later with click, httpx and toml.
    These tests run the first clients, which are Python, against the server. Install what they need:
      apt-get install python3-click python3-httpx python3-toml (Debian, Ubuntu), or
      python3 -m pip install click httpx toml (elsewhere)
    """);
