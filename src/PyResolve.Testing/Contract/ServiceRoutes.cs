using System.Reflection;
using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Testing.Http;

namespace PyResolve.Testing.Contract;

internal static class ServiceRoutes
{
    private static readonly string Version =
        typeof(PyResolveClient).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static FakeAnswer Service(Call call) => FakeAnswer.Json(new("PyResolve API", Version), WireJson.Default.ServiceInfo);

    public static FakeAnswer Health(Call call) => FakeAnswer.Json(new("healthy"), WireJson.Default.HealthStatus);

    public static FakeAnswer Plans(Call call) => FakeAnswer.Json(new([.. call.Server.Plans.InOrder]), WireJson.Default.PlanList);

    public static FakeAnswer LeaseKeys(Call call) =>
        FakeAnswer.Json(new(call.Server.IssuesLeases ? [call.Server.LeaseKey.Public] : []), WireJson.Default.LeaseKeySet);
}
