using Npgsql;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>A PostgreSQL with what a Supabase project has: its roles, the schema auth, pgcrypto in extensions, and its default grants.
/// </summary>
internal sealed class SupabaseProject : IAsyncDisposable
{
    private const string Script = """
        create schema extensions;
        create extension pgcrypto schema extensions;
        create schema auth;
        grant usage on schema auth, extensions to anon, authenticated, service_role;
        create table auth.users (
            id uuid primary key default gen_random_uuid(),
            email text,
            raw_user_meta_data jsonb,
            email_confirmed_at timestamptz,
            confirmation_sent_at timestamptz,
            invited_at timestamptz,
            email_change_sent_at timestamptz
        );
        create function auth.uid() returns uuid language sql stable as
            $$ select nullif(current_setting('request.jwt.claims', true)::jsonb->>'sub', '')::uuid $$;
        create function auth.role() returns text language sql stable as
            $$ select current_setting('request.jwt.claims', true)::jsonb->>'role' $$;
        """;

    /// <summary>
    /// As Supabase hosts it: the project's role is no superuser and owns the database, but neither <c>auth.users</c> nor what the host's
    /// own role set up for new tables.
    /// </summary>
    private const string Hosted = """
        create role supabase_admin superuser;
        create role supabase_auth_admin;
        create role project_owner login createrole bypassrls password 'owner';
        grant anon, authenticated, service_role, supabase_auth_admin to project_owner;
        grant usage on schema auth, extensions to project_owner, supabase_auth_admin;
        alter table auth.users owner to supabase_auth_admin;
        alter default privileges for role supabase_admin in schema public grant all on tables to anon, authenticated, service_role;
        alter default privileges for role supabase_admin in schema public grant all on functions to anon, authenticated, service_role;
        alter default privileges for role project_owner in schema public grant all on tables to anon, authenticated, service_role;
        alter default privileges for role project_owner in schema public grant all on functions to anon, authenticated, service_role;
        do $$ begin execute format('alter database %I owner to project_owner', current_database()); end $$;
        """;

    private readonly PostgresServer _postgres;
    private readonly NpgsqlDataSource _source;
    private TestServer? _server;

    private SupabaseProject(PostgresServer postgres, TestStore store, NpgsqlDataSource source) =>
        (_postgres, Store, _source) = (postgres, store, source);

    public TestStore Store { get; }

    /// <summary>Beside the project's own interface.</summary>
    public TestServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

    public static async Task<SupabaseProject> StartAsync(CancellationToken cancellationToken)
    {
        var project = await CreateAsync(isHosted: false, cancellationToken);
        await project.ServeAsync();
        return project;
    }

    /// <summary>Without a server, and without its tables.</summary>
    /// <param name="isHosted">Whether <see cref="Store"/> is used as the role that Supabase gives a project.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public static async Task<SupabaseProject> CreateAsync(bool isHosted, CancellationToken cancellationToken)
    {
        var postgres = await PostgresServer.StartAsync(durable: false, cancellationToken);
        var address = await postgres.CreateDatabaseAsync(cancellationToken: cancellationToken);
        var store = TestStore.On(address);
        await store.ExecuteSqlAsync(SupabaseRolesTests.AsSupabaseMakesThem);
        await store.ExecuteSqlAsync(Script);
        if (isHosted)
        {
            await store.ExecuteSqlAsync(Hosted);
            var owner = new NpgsqlConnectionStringBuilder(address) { Username = "project_owner", Password = "owner" };
            store = TestStore.On(owner.ConnectionString);
        }

        return new SupabaseProject(postgres, store, NpgsqlDataSource.Create($"{address};Pooling=false"));
    }

    public async Task ServeAsync(IReadOnlyDictionary<string, string?>? settings = null) => _server =
        await TestServer.StartAsync(Store, clock: new TestClock(TimeProvider.System.GetUtcNow()), settings: settings);

    /// <summary>Another database of the same PostgreSQL.</summary>
    public async Task<TestStore> CreateDatabaseAsync() =>
        TestStore.On(await _postgres.CreateDatabaseAsync(cancellationToken: TestContext.Current.CancellationToken));

    /// <summary>Signs a user up, as Supabase Auth does.</summary>
    public async Task<Guid> SignUpAsync(string email, string? name = null)
    {
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        var metadata = name is null ? "{}" : $$"""{"name":"{{name}}"}""";
        await Store.ExecuteSqlAsync($"insert into auth.users (id, email, raw_user_meta_data) values ('{id}', '{email}', '{metadata}')");
        return id;
    }

    /// <summary>Runs SQL as PostgREST does: in the role, with the claims of the token.</summary>
    /// <returns>The first row's columns, separated by |; empty without a row; the code of the refusal.</returns>
    public Task<string> AsAsync(string role, Guid? user, string sql) => AsClaimingAsync(
        role, user is { } id ? $$"""{"sub":"{{id}}","role":"{{role}}"}""" : $$"""{"role":"{{role}}"}""", sql);

    /// <summary>The same, with claims that no token of the project would have.</summary>
    public async Task<string> AsClaimingAsync(string role, string claims, string sql)
    {
        await using var connection = await _source.OpenConnectionAsync();
        var quoted = claims.Replace("'", "''", StringComparison.Ordinal);
        await using (var become = new NpgsqlCommand($"set role {role}; set request.jwt.claims = '{quoted}'", connection))
            await become.ExecuteNonQueryAsync();
        try
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await using var reader = await command.ExecuteReaderAsync();
            if (!await reader.ReadAsync())
                return "";
            var values = new object[reader.FieldCount];
            reader.GetValues(values);
            return string.Join('|', values.Select(value => FormattableString.Invariant($"{value}")));
        }
        catch (PostgresException refusal)
        {
            return refusal.SqlState;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        await Store.DisposeAsync();
        await _source.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
