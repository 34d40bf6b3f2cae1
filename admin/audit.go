package admin

import (
	"net/http"

	"go.uber.org/zap"
)

// audit writes the one line that every change leaves: actor, action, subject and
// result.
func (s *Server) audit(r *http.Request, action string, err error, subject ...zap.Field) {
	fields := append([]zap.Field{
		zap.String("actor", tokenOf(r).Name), zap.String("action", action), zap.String("request_id", requestID(r)),
		zap.String("from", r.RemoteAddr), zap.Bool("ok", err == nil), zap.Error(err),
	}, subject...)
	s.Log.Named("audit").Info("audit", fields...)
}
