using PyResolve.Testing.Http;

namespace PyResolve.Testing.Faults;

/// <summary>The injected faults, in the order of their injection. Thread-safe.</summary>
internal sealed class FaultPlan
{
    private readonly Gate _gate = new();
    private readonly List<Planned> _planned = [];

    public void Add(Fault fault, RoutePattern route, int times)
    {
        lock (_gate)
            _planned.Add(new(fault, route) { Left = times });
    }

    public void Clear()
    {
        lock (_gate)
            _planned.Clear();
    }

    public Fault? Take(FakeRequest request)
    {
        lock (_gate)
        {
            if (_planned.Find(planned => planned.Route.Matches(request)) is not { } next)
                return null;
            if (next.Left != int.MaxValue && --next.Left == 0)
                _planned.Remove(next);
            return next.Fault;
        }
    }

    private sealed record Planned(Fault Fault, RoutePattern Route)
    {
        public int Left { get; set; }
    }
}
