using System.ComponentModel;

namespace PyResolve.SeedCli.Tests;

/// <summary>A Python with the packages that the seed's command line imports.</summary>
internal static class PythonInterpreter
{
    private const string Probe = "import sys; assert sys.version_info >= (3, 10); import click, httpx, toml";

    // The system's Python first: those of version managers have other packages.
    private static readonly string[] Candidates = ["/usr/bin/python3", "python3", "python"];

    private static readonly Lazy<Task<string>> Found = new(() => FindAsync(Candidates));

    /// <exception cref="PythonMissingException">There is none.</exception>
    public static Task<string> FindAsync() => Found.Value;

    /// <exception cref="PythonMissingException">No candidate has the packages.</exception>
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

/// <summary>There is no Python to run the seed's command line with. The message says how to get one.</summary>
public sealed class PythonMissingException(IEnumerable<string> tried) : Exception(
    $"""
    None of {string.Join(", ", tried)} is a Python 3.10 or later with click, httpx and toml.
    These tests run the first clients, which are Python, against the server. Install what they need:
      apt-get install python3-click python3-httpx python3-toml (Debian, Ubuntu), or
      python3 -m pip install click httpx toml (elsewhere)
    """);
