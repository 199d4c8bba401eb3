using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PyResolve.Server.Doctor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Doctor;

/// <summary>A server that is healthy until a test plants a fault, and that the doctor looks at before its start.</summary>
internal sealed class FaultyServer(TestStore store) : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _beside = [];

    public TestStore Store => store;

    public string Folder => store.Settings["PYRESOLVE_DATA"]!;

    public Dictionary<string, string?> Settings { get; } = new(store.Settings)
    {
        ["Logging:LogLevel:Default"] = "None", ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "None",
    };

    public Action<IServiceCollection> Replace { get; set; } = static _ => { };

    /// <summary>Has the schema of this server.</summary>
    public static async Task<FaultyServer> CreateAsync(StorageEngine engine, PostgresFixture postgres)
    {
        var server = new FaultyServer(await TestStore.CreateAsync(engine, postgres));
        await using var app = server.Build();
        await app.Services.GetRequiredService<SchemaMigrator>().ApplyAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public void Set(string name, string? value) => Settings[name] = value;

    public T Keep<T>(T beside)
        where T : IAsyncDisposable
    {
        _beside.Add(beside);
        return beside;
    }

    public async Task<IReadOnlyList<Finding>> ExamineAsync()
    {
        await using var app = Build();
        return await app.Services.GetRequiredService<ServerDoctor>().ExamineAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _beside)
            await one.DisposeAsync();
        await store.DisposeAsync();
    }

    private Microsoft.AspNetCore.Builder.WebApplication Build()
    {
        var builder = ServerApp.CreateBuilder(["--environment", Environments.Production]);
        builder.Configuration.AddInMemoryCollection(Settings);
        return ServerApp.Build(builder, built => Replace(built.Services));
    }
}
