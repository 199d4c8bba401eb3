using PyResolve.Testing.Http;

namespace PyResolve.Testing.Faults;

/// <summary>Which requests go wrong, in the order in which that was ordered. Thread-safe.</summary>
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
            if (_planned.Find(planned => planned.Route.Matches(request)) is not { } due)
                return null;
            if (due.Left != int.MaxValue && --due.Left == 0)
                _planned.Remove(due);
            return due.Fault;
        }
    }

    private sealed record Planned(Fault Fault, RoutePattern Route)
    {
        public int Left { get; set; }
    }
}
