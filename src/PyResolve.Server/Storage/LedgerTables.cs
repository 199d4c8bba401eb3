namespace PyResolve.Server.Storage;

/// <summary>
/// The tables of the accounts' ledgers. On Citus they are distributed by account, all rows of an account on one node. So their primary keys
/// and unique indexes begin with <see cref="Account"/>, and they have neither foreign keys nor triggers. All other tables stay local.
/// </summary>
internal static class LedgerTables
{
    /// <summary>The column that says whose a row is.</summary>
    public const string Account = "user_id";

    /// <summary>The names of the tables. The others have the same shards as the first.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "usage_events", "usage_monthly", "usage_daily", "usage_libraries", "usage_keys", "usage_key_days", "reservations", "repeated_holds",
        "credit_grants",
    ];
}
