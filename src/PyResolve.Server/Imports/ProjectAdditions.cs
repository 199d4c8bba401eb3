using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>What a project added to the guide's tables and functions, and an import leaves with the old ones.</summary>
internal static class ProjectAdditions
{
    /// <param name="session">Where the project's tables are.</param>
    /// <param name="tables">Those tables.</param>
    public static async Task<IReadOnlyList<ImportFinding>> FindAsync(
        Session session, ProjectTables tables, CancellationToken cancellationToken)
    {
        var found = new List<ImportFinding>();
        Add("policy_own", "policies that the guide does not have: they stay on the old tables, because row level security of the server's "
            + "tables shows a user exactly what is theirs. Create them again where you need them, on the new tables",
            await session.ListAsync(
                $"""
                select quote_ident(y.polname) || ' on ' || y.polrelid::regclass
                from {session.Rows("t", tables.Places).With("name", static name => name)}
                join pg_policy y on y.polrelid = to_regclass(t.name)
                where y.polname not in (
                    'Users can view own profile', 'Users can update own profile', 'Users can view own API keys',
                    'Users can insert own API keys', 'Users can update own API keys', 'Users can view own usage',
                    'Service role full access to profiles', 'Service role full access to api_keys', 'Service role full access to usage')
                order by 1
                """,
                static row => row.Text(0),
                cancellationToken));
        Add("trigger_own", "triggers that the guide does not have: they stay on the old tables, where nothing is written any more. The "
            + "server writes other columns than the guide's code. Create them again where you need them, on the new tables",
            await session.ListAsync(
                $"""
                select quote_ident(g.tgname) || ' on ' || g.tgrelid::regclass || ', which calls ' || g.tgfoid::regproc
                from {session.Rows("t", tables.Places).With("name", static name => name)}
                join pg_trigger g on g.tgrelid = to_regclass(t.name)
                where not g.tgisinternal
                order by 1
                """,
                static row => row.Text(0),
                cancellationToken));
        Add("function_changed", "functions of the guide that the project changed: the server's take their place. Yours are with the old "
            + "tables",
            await session.ListAsync(
                $"""
                select p.oid::regprocedure::text
                from {session.Rows("t", tables.Places).With("name", static name => name)}
                join pg_class c on c.oid = to_regclass(t.name) and c.relname = 'profiles'
                join pg_proc p on p.pronamespace = c.relnamespace
                where (p.proname, md5(regexp_replace(lower(p.prosrc), '\s+', '', 'g'))) not in (
                    ('handle_new_user', 'c4e2e08902381fbd653e674740d4af7c'), ('create_api_key', 'decb6655784a7cc3369bd43d5539af4b'),
                    ('validate_api_key', '7bc088b09f4fe7f6e288a0ff44c4ef1f'), ('get_current_usage', 'e0a6336c24a9c1d0cde91670bd4cfb2f'))
                  and p.proname in ('handle_new_user', 'create_api_key', 'validate_api_key', 'get_current_usage')
                order by 1
                """,
                static row => row.Text(0),
                cancellationToken));
        return found;

        void Add(string name, string text, List<string> names)
        {
            if (names.Count > 0)
            {
                var examples = names.Take(ImportFindings.MaxExamples).ToList();
                found.Add(new ImportFinding(FindingKind.Notice, name, text, names.Count, examples) { Details = names });
            }
        }
    }
}
