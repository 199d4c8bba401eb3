using System.Text.RegularExpressions;

namespace PyResolve.Cli.Migrations;

/// <summary>A library's name, as the Python Package Index has it.</summary>
internal static partial class PackageName
{
    public const int MaxLength = 128;

    public static bool IsValid(string name) => name.Length <= MaxLength && Pattern.IsMatch(name);

    /// <summary>The one spelling that stands for all: <c>Typing_Extensions</c> is <c>typing-extensions</c>.</summary>
    public static string Normalize(string name) => Separators.Replace(name, "-").ToLowerInvariant();

    [GeneratedRegex(@"\A[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern { get; }

    [GeneratedRegex("[-_.]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Separators { get; }
}
