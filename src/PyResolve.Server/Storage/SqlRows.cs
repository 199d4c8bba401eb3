namespace PyResolve.Server.Storage;

/// <summary>
/// Rows in a statement: <c>$"insert into t (id, name) select id, name from {rows}"</c>. The text is the same for any number of rows. Before
/// <c>on conflict</c> write <c>where true</c>: SQLite would take its <c>on</c> for a join's.
/// </summary>
internal abstract class SqlRows(Engine engine, string name, int count)
{
    private readonly List<Column> _columns = [];

    public Engine Engine => engine;

    public string Name => name;

    public int Count => count;

    public IReadOnlyList<Column> Columns => _columns;

    /// <summary>
    /// The rows as they follow the columns of an insert, which are these in this order: <c>$"insert into t (id, name)
    /// {rows.Inserted("id")}"</c>.
    /// </summary>
    /// <param name="key">The order in which rows are locked; none: any.</param>
    public InsertedRows Inserted(params string[] key) => new(this, key);

    public override string ToString() => $"{name} ({count} rows)";

    protected void Add(string column, SqlType type, Array values) => _columns.Add(new Column(column, type, values));

    internal readonly record struct Column(string Name, SqlType Type, Array Values);
}

internal readonly record struct InsertedRows(SqlRows Rows, IReadOnlyList<string> Key)
{
    /// <summary>The places of the rows, ordered by their key: ids and texts by their bytes, as PostgreSQL does.</summary>
    public IEnumerable<int> InOrder()
    {
        var rows = Rows;
        Array[] keys = [.. Key.Select(name => rows.Columns.First(column => column.Name == name).Values)];
        int[] places = [.. Enumerable.Range(0, rows.Count)];
        Array.Sort(places, (one, other) =>
        {
            foreach (var key in keys)
            {
                var order = key is string[] texts
                    ? string.CompareOrdinal(texts[one], texts[other])
                    : Comparer<object>.Default.Compare(key.GetValue(one), key.GetValue(other));
                if (order != 0)
                    return order;
            }

            return 0;
        });
        return places;
    }
}

internal sealed class SqlRows<T>(Engine engine, string name, IReadOnlyList<T> source) : SqlRows(engine, name, source.Count)
{
    public SqlRows<T> With(string column, Func<T, Guid> value) => Add(column, SqlType.Uuid, value);

    public SqlRows<T> With(string column, Func<T, Guid?> value) => Add(column, SqlType.Uuid, value);

    public SqlRows<T> With(string column, Func<T, string?> value) => Add(column, SqlType.Text, value);

    public SqlRows<T> With(string column, Func<T, long> value) => Add(column, SqlType.Integer, value);

    public SqlRows<T> With(string column, Func<T, long?> value) => Add(column, SqlType.Integer, value);

    public SqlRows<T> With(string column, Func<T, bool> value) => Add(column, SqlType.Boolean, value);

    public SqlRows<T> With(string column, Func<T, DateTimeOffset> value) => Add(column, SqlType.Instant, value);

    public SqlRows<T> With(string column, Func<T, DateTimeOffset?> value) => Add(column, SqlType.Instant, value);

    public SqlRows<T> With(string column, Func<T, byte[]> value) => Add(column, SqlType.Bytes, value);

    public SqlRows<T> With(string column, Func<T, JsonText> value) => Add(column, SqlType.Json, item => value(item).Value);

    private SqlRows<T> Add<TValue>(string column, SqlType type, Func<T, TValue> value)
    {
        var values = new TValue[Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = value(source[i]);
        Add(column, type, (Array)values);
        return this;
    }
}
