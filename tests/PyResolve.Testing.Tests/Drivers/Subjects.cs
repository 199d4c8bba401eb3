using System.Security.Cryptography;

namespace PyResolve.Testing.Tests.Drivers;

public static class Subjects
{
    /// <summary>A server that tests share.</summary>
    public static async Task<Subject> OnAsync(this SharedServers servers, ServerKind kind) =>
        kind is ServerKind.Fake or ServerKind.NewerFake
            ? new FakeSubject(kind)
            : await RealSubject.OnSharedAsync(servers, EngineOf(kind));

    /// <summary>A server for one test, which signs leases and sends emails.</summary>
    public static async Task<Subject> OnOwnAsync(this SharedServers servers, ServerKind kind, bool isSignUpOpen = true)
    {
        if (kind is ServerKind.Fake or ServerKind.NewerFake)
            return new FakeSubject(kind, isSignUpOpen);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return await RealSubject.OnOwnAsync(servers, EngineOf(kind), Convert.ToBase64String(key.ExportPkcs8PrivateKey()), isSignUpOpen);
    }

    private static StorageEngine EngineOf(ServerKind kind) => kind is ServerKind.Postgres ? StorageEngine.Postgres : StorageEngine.Sqlite;
}
