using PyResolve.Client.Wire;
using PyResolve.Testing.Http;

namespace PyResolve.Testing.Contract;

/// <summary>The routes of the contract, and what answers each.</summary>
internal static class Routes
{
    private const string Id = "{id}";

    private static readonly Route[] All =
    [
        new("GET", "/", Need.Nobody, null, ServiceRoutes.Service),
        new("GET", "/health", Need.Nobody, null, ServiceRoutes.Health),
        new("GET", "/health/ready", Need.Nobody, null, ServiceRoutes.Health),
        new("GET", "/plans", Need.Nobody, null, ServiceRoutes.Plans),
        new("GET", "/.well-known/jwks.json", Need.Nobody, null, ServiceRoutes.LeaseKeys),
        new("POST", "/auth/signup", Need.Nobody, null, AccountRoutes.SignUp),
        new("POST", "/auth/login", Need.Nobody, null, AccountRoutes.LogIn),
        new("POST", "/auth/logout", Need.Session, null, AccountRoutes.LogOut),
        new("POST", "/auth/password", Need.Session, null, AccountRoutes.ChangePassword),
        new("POST", "/auth/password/forgot", Need.Nobody, null, AccountRoutes.ForgetPassword),
        new("POST", "/auth/password/reset", Need.Nobody, null, AccountRoutes.ResetPassword),
        new("POST", "/auth/email/verify", Need.Nobody, null, AccountRoutes.VerifyEmail),
        new("DELETE", "/auth/account", Need.Session, null, AccountRoutes.Delete),
        new("GET", "/me", Need.Caller, null, AccountRoutes.Me),
        new("PATCH", "/me", Need.Session, null, AccountRoutes.Rename),
        new("GET", "/audit", Need.Session, null, AccountRoutes.Audit),
        new("GET", "/auth/api-keys", Need.Caller, Scopes.Keys, KeyRoutes.List),
        new("POST", "/auth/api-keys", Need.Caller, Scopes.Keys, KeyRoutes.Create),
        new("POST", "/auth/api-keys/report-leak", Need.Nobody, null, KeyRoutes.ReportLeak),
        new("POST", "/auth/api-keys/{id}/rotate", Need.Caller, Scopes.Keys, KeyRoutes.Rotate),
        new("DELETE", "/auth/api-keys/{id}", Need.Caller, Scopes.Keys, KeyRoutes.Revoke),
        new("POST", "/auth/device/code", Need.Nobody, null, DeviceRoutes.Begin),
        new("POST", "/auth/device/token", Need.Nobody, null, DeviceRoutes.Exchange),
        new("GET", "/quota", Need.Caller, null, QuotaRoutes.Quota),
        new("POST", "/quota/reservations", Need.Caller, Scopes.Quota, QuotaRoutes.Hold),
        new("GET", "/quota/reservations/{id}", Need.Caller, Scopes.Quota, QuotaRoutes.Read),
        new("DELETE", "/quota/reservations/{id}", Need.Caller, Scopes.Quota, QuotaRoutes.Release),
        new("POST", "/quota/reservations/{id}/commit", Need.Caller, Scopes.Quota, QuotaRoutes.Commit),
        new("POST", "/usage", Need.Caller, Scopes.UsageWrite, UsageRoutes.Record),
        new("POST", "/usage/batch", Need.Caller, Scopes.UsageWrite, UsageRoutes.RecordBatch),
        new("GET", "/usage", Need.Caller, Scopes.UsageRead, StatisticsRoutes.Month),
        new("GET", "/usage/history", Need.Caller, Scopes.UsageRead, StatisticsRoutes.History),
        new("GET", "/usage/events", Need.Caller, Scopes.UsageRead, StatisticsRoutes.Events),
        new("GET", "/usage/export.csv", Need.Caller, Scopes.UsageRead, StatisticsRoutes.Export),
        new("POST", "/billing/checkout", Need.Caller, Scopes.Billing, BillingRoutes.StartCheckout),
        new("GET", "/billing/portal", Need.Caller, Scopes.Billing, BillingRoutes.OpenPortal),
        new("GET", "/billing/subscription", Need.Caller, Scopes.Billing, BillingRoutes.ReadSubscription),
    ];

    public static FakeAnswer Answer(FakePyResolveServer server, FakeRequest request)
    {
        try
        {
            var (route, id) = Find(request);
            var caller = route.Need is Need.Nobody ? null : Access.Find(server, request, route.Need, route.Scope);
            var answer = route.Handle(new(server, request, caller, id));
            return caller is not null && route.Scope is Scopes.UsageWrite or Scopes.Quota
                ? answer with { Headers = [.. answer.Headers, ("X-Account-Id", caller.Account.Id.ToString("D"))] }
                : answer;
        }
        catch (ProblemException refused)
        {
            return FakeAnswer.Of(refused.Problem, refused.RetryAfter);
        }
    }

    private static (Route Route, Guid Id) Find(FakeRequest request)
    {
        var path = request.Path.Split('/');
        var (id, known) = (Guid.Empty, false);
        foreach (var route in All)
        {
            if (!route.Matches(path, out id))
                continue;
            known = true;
            if (route.Method == request.Method)
                return (route, id);
        }

        throw new ProblemException(known
            ? Problems.Create(405, ProblemCodes.MethodNotAllowed, "This path does not know this method. The Allow header lists those that it knows.")
            : Problems.NotFound("There is nothing at this path. GET /openapi/v1.json lists what there is."));
    }

    private sealed record Route(string Method, string Path, Need Need, string? Scope, Func<Call, FakeAnswer> Handle)
    {
        private readonly string[] _segments = Path.Split('/');

        public bool Matches(string[] path, out Guid id)
        {
            id = Guid.Empty;
            if (path.Length != _segments.Length)
                return false;
            for (var i = 0; i < path.Length; i++)
            {
                if (_segments[i] == Id ? !Guid.TryParseExact(path[i], "D", out id) : _segments[i] != path[i])
                    return false;
            }

            return true;
        }
    }
}
