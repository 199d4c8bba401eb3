using System.Text.RegularExpressions;
using PyResolve.Server.Storage;

namespace PyResolve.TestKit;

/// <summary>
/// The rule for statements about tables that are distributed by account: each use of one is bound to an account (<c>user_id = $1</c>), or
/// the statement is about all accounts and has a reason to be. Needs no Citus: it reads texts.
/// </summary>
public static partial class LedgerStatements
{
    /// <summary>How statements go that may read all accounts, and why. None of them locks or changes anything.</summary>
    private static readonly (string Text, string Reason)[] OfAllAccounts =
    [
        ("select expires_at from reservations where state = 'held'", "The sweeper asks what ends next, whoever's it is."),
        ("select user_id, id from reservations where state = 'held'", "The sweeper asks what is due, and locks it by account."),
        ("select user_id from ( select * from (select user_id from usage_events where user_id > ",
            "A recount walks from account to account."),
        ("select distinct month from usage_monthly order by", "Retention asks which months there are."),
        ("from usage_monthly m join usage_events e on e.user_id = m.user_id and e.month = m.month and e.created_at <",
            "Retention asks whether a month is settled."),
        ("select user_id, month from usage_monthly where (user_id, month) >", "Retention walks from account to account."),
        ("from profiles p left join usage_monthly m on", "An operator lists all accounts."),
        ("from usage_daily where date =", "The operator's first page adds up the day."),
    ];

    private static readonly Regex Uses = new(
        $@"\b(?<verb>from|join|update|into|using) (?<table>{string.Join('|', LedgerTables.Names)})\b"
        + @"(?! *\()( (as )?(?!(where|set|on|order|group|limit|join|left|full|cross|union|for|returning|having|inner|select)\b)"
        + "(?<alias>[a-z_]+))?"
        + $@"|\binto (?<inserted>{string.Join('|', LedgerTables.Names)}) ?(?<columns>\([^)]*\))",
        RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(1));

    private static readonly Regex Mentions = new(
        $@"(?<![.\w])({string.Join('|', LedgerTables.Names)})\b(?!\.)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    /// <exception cref="InvalidOperationException">The statement breaks the rule.</exception>
    public static void Check(string statement)
    {
        if (FindFault(statement) is { } fault)
            throw new InvalidOperationException($"{fault}: {statement}");
    }

    /// <returns>null: it follows the rule.</returns>
    public static string? FindFault(string statement)
    {
        var text = Spaces().Replace(statement, " ").Trim();
        var mentions = Mentions.Matches(text).Select(static mention => mention.Index).ToHashSet();
        if (mentions.Count == 0)
            return null;
        if (Array.Exists(OfAllAccounts, known => text.Contains(known.Text, StringComparison.Ordinal)))
        {
            return Changes().IsMatch(text) ? "A statement about all accounts locks or changes rows" : null;
        }

        foreach (Match use in Uses.Matches(text))
        {
            var table = use.Groups["inserted"] is { Success: true } inserted ? inserted : use.Groups["table"];
            mentions.Remove(table.Index);
            if (!(use.Groups["inserted"].Success ? InsertsRowsOfAccounts(text[(use.Index + use.Length)..]) : IsBound(text, use)))
                return $"It uses {table.Value} without naming an account";
        }

        return mentions.Count > 0 ? $"It uses {Mentions.Match(text).Value} in a way that is not understood" : null;
    }

    /// <summary>As values, of which each names its account, or read for one account.</summary>
    private static bool InsertsRowsOfAccounts(string rest) =>
        rest.StartsWith(" values (", StringComparison.Ordinal) || rest.StartsWith(" select $", StringComparison.Ordinal);

    private static bool IsBound(string text, Match use)
    {
        var scope = ScopeOf(text, use.Index);
        var name = use.Groups["alias"] is { Success: true } alias ? $@"{alias.Value}\." : $@"({use.Groups["table"].Value}\.)?";
        var bindings = Regex.Matches(
            scope, $@"\b(where|and|on) {name}user_id = \$\d+", RegexOptions.None, TimeSpan.FromSeconds(1));
        return bindings.Any(binding => !OrAfterConditions(scope, binding.Index));
    }

    /// <summary>Whether the condition at a place is one of alternatives.</summary>
    private static bool OrAfterConditions(string scope, int place)
    {
        var begin = Conditions().Matches(scope).LastOrDefault(found => found.Index <= place)?.Index ?? 0;
        return scope[begin..].Contains(" or ", StringComparison.Ordinal);
    }

    /// <summary>The query in which the place is, without those that it contains, and without the others of its union.</summary>
    private static string ScopeOf(string text, int place)
    {
        var begin = place;
        for (var depth = 0; begin > 0; begin--)
        {
            depth += text[begin - 1] switch { ')' => 1, '(' => -1, _ => 0 };
            if (depth < 0)
                break;
        }

        var scope = new char[text.Length - begin];
        var (length, level) = (0, 0);
        foreach (var character in text.AsSpan(begin))
        {
            if (character == ')' && --level < 0)
                break;
            scope[length++] = level > 0 ? '.' : character;
            if (character == '(')
                level++;
        }

        var query = new string(scope, 0, length);
        var before = query.LastIndexOf(" union ", place - begin, StringComparison.Ordinal);
        var after = query.IndexOf(" union ", place - begin, StringComparison.Ordinal);
        query = query[(before < 0 ? 0 : before)..(after < 0 ? query.Length : after)];
        for (var shorter = Cases().Replace(query, "value"); shorter != query; shorter = Cases().Replace(query, "value"))
            query = shorter;
        return query;
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\b(where|on) ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Conditions();

    [GeneratedRegex(@"\bcase\b((?!\bcase\b|\bend\b).)*\bend\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Cases();

    [GeneratedRegex(
        @"\bfor update\b|\b(insert into|update|delete from) [a-z]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Changes();
}
