using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Storage;

/// <summary>
/// What Citus refuses in schema files, found without a Citus. Of tables that are distributed by account: a primary key or a unique index
/// that does not begin with the account, foreign keys, triggers, and columns that are added together with a constraint. Of all: functions
/// that are not in PL/pgSQL, which Citus cannot run for a write that arrives at another node.
/// </summary>
/// <param name="distributed">The tables that are distributed.</param>
/// <param name="account">The column by which they are.</param>
/// <param name="strictFrom">The first version that may be applied to tables which are distributed already.</param>
internal sealed partial class SchemaLint(IReadOnlyCollection<string> distributed, string account, int strictFrom)
{
    private readonly List<string> _offences = [];

    /// <summary>The function and its offence, until a later file drops it.</summary>
    private readonly Dictionary<string, string> _functions = [];

    /// <param name="files">Name and text, in the order in which they are applied.</param>
    /// <returns>One line an offence, which begins with the file's name.</returns>
    public IReadOnlyList<string> Check(IEnumerable<(string Name, string Text)> files)
    {
        foreach (var (name, text) in files)
        {
            var isStrict = int.Parse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture) >= strictFrom;
            var plain = Spaces().Replace(Comments().Replace(text, ""), " ").ToLowerInvariant();
            CheckTables(name, plain);
            CheckUniqueIndexes(name, plain);
            CheckTriggers(name, plain);
            CheckChanges(name, plain, isStrict);
            CheckFunctions(name, plain);
        }

        return [.. _offences, .. _functions.Values];
    }

    private void CheckTables(string file, string text)
    {
        foreach (Match match in Table().Matches(text))
        {
            var table = match.Groups["table"].Value;
            if (!distributed.Contains(table))
                continue;
            var columns = Split(Inside(text, match.Index + match.Length));
            if (!columns.Exists(part => BeginsWithAccount(part, "primary key")))
                Add(file, table, $"its primary key does not begin with {account}");

            foreach (var column in columns)
                CheckColumn(file, table, column, isStrict: false);
        }
    }

    private void CheckUniqueIndexes(string file, string text)
    {
        foreach (Match match in UniqueIndex().Matches(text))
        {
            var table = match.Groups["table"].Value;
            if (distributed.Contains(table) && Split(Inside(text, match.Index + match.Length))[0] != account)
                Add(file, table, $"the unique index {match.Groups["index"].Value} does not begin with {account}");
        }
    }

    private void CheckTriggers(string file, string text)
    {
        foreach (Match match in Trigger().Matches(text))
        {
            if (distributed.Contains(match.Groups["table"].Value))
                Add(file, match.Groups["table"].Value, $"the trigger {match.Groups["trigger"].Value}");
        }
    }

    private void CheckChanges(string file, string text, bool isStrict)
    {
        foreach (Match match in Change().Matches(text))
        {
            var table = match.Groups["table"].Value;
            if (!distributed.Contains(table))
                continue;
            foreach (var change in Split(match.Groups["changes"].Value))
                CheckColumn(file, table, change, isStrict);
        }
    }

    /// <param name="part">A column or a constraint of a table, or <c>add …</c>.</param>
    private void CheckColumn(string file, string table, string part, bool isStrict)
    {
        if (Reference().IsMatch(part))
            Add(file, table, $"a foreign key in '{part}'");
        var isKey = Key().IsMatch(part);
        if (isKey && !BeginsWithAccount(part, "primary key") && !BeginsWithAccount(part, "unique"))
            Add(file, table, $"'{part}' does not begin with {account}");
        if (isStrict && AddedColumn().IsMatch(part) && (isKey || Constraint().IsMatch(part)))
            Add(file, table, $"'{part}': add the column first, and then the constraint by a statement of its own");
    }

    private void CheckFunctions(string file, string text)
    {
        foreach (Match match in DroppedFunction().Matches(text))
            _functions.Remove(match.Groups["function"].Value);
        foreach (Match match in Function().Matches(text))
        {
            var (name, language) = (match.Groups["function"].Value, match.Groups["language"].Value);
            if (language == "plpgsql")
                _functions.Remove(name);
            else
                _functions[name] = $"{file}: the function {name} is in {language}, not in plpgsql";
        }
    }

    private bool BeginsWithAccount(string part, string key) =>
        part.Contains($"{key} ({account}", StringComparison.Ordinal)
        || (part.StartsWith($"{account} ", StringComparison.Ordinal) && part.Contains(key, StringComparison.Ordinal));

    private void Add(string file, string table, string offence) => _offences.Add($"{file}: {table}: {offence}");

    /// <summary>The text up to the bracket that closes the one before <paramref name="start"/>.</summary>
    private static string Inside(string text, int start)
    {
        var end = start;
        for (var depth = 1; depth > 0; end++)
            depth += text[end] switch { '(' => 1, ')' => -1, _ => 0 };
        return text[start..(end - 1)];
    }

    /// <summary>At the commas that are in no bracket.</summary>
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        var (start, depth) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (text[i] != ',' || depth > 0)
                continue;
            parts.Add(text[start..i].Trim());
            start = i + 1;
        }

        return [.. parts, text[start..].Trim()];
    }

    [GeneratedRegex("--[^\n]*", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Comments();

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"create table (if not exists )?(?<table>[a-z_]+) \(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Table();

    [GeneratedRegex(
        @"create unique index (concurrently )?(if not exists )?(?<index>[a-z_]+) on (?<table>[a-z_]+) (using [a-z]+ )?\(",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UniqueIndex();

    [GeneratedRegex(
        "create (or replace )?(constraint )?trigger (?<trigger>[a-z_]+) (before|after|instead of) [^;]*? on (?<table>[a-z_]+)",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Trigger();

    [GeneratedRegex(
        "alter table (if exists )?(only )?(?<table>[a-z_]+) (?<changes>add [^;]*)", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Change();

    [GeneratedRegex("^add (column |(?!constraint |check|unique|primary|foreign))", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AddedColumn();

    [GeneratedRegex(@"\breferences\b", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"\b(check|references)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Constraint();

    [GeneratedRegex(@"\b(unique|primary key)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Key();

    [GeneratedRegex(
        @"create (or replace )?function (%1\$i\.)?(?<function>[a-z_]+) ?\([^$]*? language (?<language>[a-z]+)",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Function();

    [GeneratedRegex("drop function (if exists )?(?<function>[a-z_]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DroppedFunction();
}
