using System.Text.RegularExpressions;

namespace PyResolve.Cli.Migrations;

internal static partial class PackageName
{
    public const string Rule = "A name has letters, digits, '.', '-' and '_', at most 128 of them.";

    public static bool IsValid(string name) => name.Length <= 128 && Pattern().IsMatch(name);

    /// <summary>The canonical spelling: <c>typing-extensions</c> for <c>Typing_Extensions</c>.</summary>
    public static string Normalize(string name) => Separators().Replace(name, "-").ToLowerInvariant();

    [GeneratedRegex(@"\A[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();

    [GeneratedRegex("[-_.]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Separators();
}
